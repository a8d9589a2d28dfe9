"""XML exists here and nowhere else.

The wire is parsed once (`xml`). A signature's shape is judged before python-xmlsec sees it, and only the canonical
bytes that it covers travel on (`signature`). Encrypted assertions are opened from parts that were checked one by one
(`encryption`). `redirect` and `post` are the two bindings; `algorithms` is what we accept and choose; `keys` are our
own. The readers and writers turn verified bytes into the plain data of `broker.messages`, and back.
"""
