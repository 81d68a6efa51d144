"""What crosses a border: message base, error codes, ids, clock. Imports nothing of ours."""
