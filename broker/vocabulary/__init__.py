"""Tables: one per kind of fact. A literal URN or federation URI stands here and nowhere else.

`attributes` (every attribute and all its names), `attribute_sets`, `categories`, `contexts` (levels, and which of
them a broker in its role may assert), `statuses`, `identifiers` (bindings, formats, aliases), `languages`, and the
normalisers in `values`. Adding a fact is adding a row.
"""
