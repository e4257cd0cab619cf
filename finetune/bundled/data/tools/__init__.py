"""Skills: browser, image, the example functions, failed calls."""
