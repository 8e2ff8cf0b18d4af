"""The swarm as tools of the Model Context Protocol (modelcontextprotocol.io), over stdio."""
