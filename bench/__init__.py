"""What a brokered login costs, measured: complete logins over HTTP, against real servers. Run by `make bench`."""
