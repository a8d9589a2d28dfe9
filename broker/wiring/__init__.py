"""Settings → every object of the broker, built once. The only place that sees everything."""
