"""SAML content as plain data: what the readers in saml/ produce and the writers take. No XML here."""
