"""How good a consultation's connections are: what people are told while it lasts, and the evidence kept of it."""
