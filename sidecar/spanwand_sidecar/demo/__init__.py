"""`spanwand demo`: a stand-in of the OpenAI API, a little app that calls it, and the comparison of what landed."""
