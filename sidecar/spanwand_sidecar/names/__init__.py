"""Names and places taken out of rows on their way from the line to the sinks, by an engine in a process of its own."""
