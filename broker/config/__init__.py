"""Process settings: TOML, validated into frozen models, every problem reported at once. Peers are not here."""
