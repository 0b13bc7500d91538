"""K3: the W&B test server understands as much GraphQL as the SDK writes."""

from tests.support.wandb_server.document import parse, select


def test_documents_are_answered_with_aliases_fragments_and_conditions() -> None:
    document = parse(
        """#graphql
        query Q($with: Boolean = true, $without: Boolean!) {
          one: thing(name: "a }", list: [1, 2]) {
            ...Common
            ... on ArtifactCollection { label: name }
            ... on Other { no }
            yes @include(if: $with)
            no @include(if: $without)
            each { id }
          }
        }
        fragment Common on ArtifactSequence { id nested { a } nested { b } }"""
    )
    unknown: list[str] = []
    data = {
        "thing": lambda: {
            "__typename": "ArtifactSequence",
            "id": 1,
            "name": "n",
            "yes": True,
            "nested": {"a": 1, "b": 2, "c": 3},
            "each": [{"id": 1, "more": 2}],
        }
    }
    selected = select(document, {"without": False}, data, unknown.append)
    assert selected == {"one": {"id": 1, "nested": {"a": 1, "b": 2}, "label": "n", "yes": True, "each": [{"id": 1}]}}
    assert (document.name, unknown) == ("Q", [])
