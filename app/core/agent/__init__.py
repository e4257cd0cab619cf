"""The loop of one turn: events, approvals, and what of the conversation goes into a request."""
