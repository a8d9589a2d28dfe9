"""HTTP: reads the request, calls the flow once, renders the step.

`saml_endpoints` takes the peers' messages in, `login` holds the citizen's pages, `pages` turns each `NextStep`
into a response, `errors` each failure into a page. `visits` is what the flow sees of a browser; `app` puts it all
together from `WebParts`. The words are gettext catalogues in `locale/`, the templates receive finished view data.
"""
