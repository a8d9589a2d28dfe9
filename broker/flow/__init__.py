"""Use cases and the ports they need. The flow decides one thing: the browser's next step."""
