"""Instrumentations of our own, for libraries that have none. They import what they watch only once the app has."""
