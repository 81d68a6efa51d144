"""Durable state: tables, one database, and per aggregate what can be read and written in a transaction."""
