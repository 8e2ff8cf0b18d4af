"""Telling agents of a workspace where they look: instructions, MCP server, session hooks."""
