"""The contract of the store and of remotes over real transports: path, file, http, ssh."""
