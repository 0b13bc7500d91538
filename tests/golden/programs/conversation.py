"""What every program says to its model, so that the same counts come back through every instrumentation."""

SYSTEM = "You draw comics."
PROMPT = "The fox climbs the wall. Write to ada@example.org if it falls."
LONG_STORY = "The fox climbs the wall and looks down at the sleeping town. " * 60
TOOL_PROMPT = "How is the weather?"
TOOL_NAME, TOOL_DESCRIPTION, TOOL_RESULT = "weather", "Weather of a city", "Rain."
TOOL_PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TEXTS = ["The fox climbs.", "It falls."]
PICTURE = "The fox on the wall, ink and wash"
