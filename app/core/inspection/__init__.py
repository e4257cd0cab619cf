"""What a model was sent: the requests of a session's answers, their tokens by part, replays."""
