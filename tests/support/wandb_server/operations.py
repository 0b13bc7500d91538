"""All GraphQL operations, and how one request to /graphql is answered."""

from collections.abc import Callable
from typing import Any

from tests.support.wandb_server import api_operations, artifact_operations, run_operations
from tests.support.wandb_server.document import parse, select
from tests.support.wandb_server.world import RefusedError, World

Json = dict[str, Any]
Operation = Callable[[World, Json], Json]

OPERATIONS: dict[str, Operation] = {
    **run_operations.OPERATIONS,
    **artifact_operations.OPERATIONS,
    **api_operations.OPERATIONS,
}


def execute(world: World, request: Json) -> Json:
    """The answer to a GraphQL request body. Unknown operations are noted and refused with `errors`."""
    document = parse(request["query"])
    name = document.name
    operation = OPERATIONS.get(name)
    if operation is None:
        world.note_unknown(f"operation {name}")
        return errors(f"unknown operation {name}")
    variables = request.get("variables") or {}
    with world.lock:
        try:
            data = operation(world, variables)
        except RefusedError as refused:
            return errors(str(refused))
        except KeyError as missing:
            world.note_unknown(f"variables of {name}: {missing} expected, not in {sorted(variables)}")
            return errors(f"missing {missing}")
        selected = select(document, variables, data, lambda what: world.note_unknown(f"{name}: {what}"))
        return {"data": selected}


def errors(message: str) -> Json:
    """A GraphQL refusal. Never a null payload: those crash wandb-core."""
    return {"data": None, "errors": [{"message": message}]}
