"""Who a person is, and how much of the server a person may use."""
