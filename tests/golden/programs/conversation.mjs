// What every program says to its model: `conversation.py` in JavaScript.

export const SYSTEM = "You draw comics.";
export const PROMPT = "The fox climbs the wall. Write to ada@example.org if it falls.";
export const LONG_STORY = "The fox climbs the wall and looks down at the sleeping town. ".repeat(60);
export const TOOL_PROMPT = "How is the weather?";
export const TOOL = {
  name: "weather",
  description: "Weather of a city",
  parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
};
export const TOOL_RESULT = "Rain.";
export const TEXTS = ["The fox climbs.", "It falls."];
export const PICTURE = "The fox on the wall, ink and wash";
