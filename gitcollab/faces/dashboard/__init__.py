"""The dashboard: a hub as a folder of static pages, for any web server or none."""
