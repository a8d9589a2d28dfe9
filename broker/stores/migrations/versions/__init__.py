"""The revisions; see `broker.stores.migrations`."""
