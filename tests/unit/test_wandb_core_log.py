"""What wandb-core's own log says of a request that failed (R12). The lines are as version 0.31.0 writes them."""

import json
from pathlib import Path

import pytest

from spanwand.sinks.wandb.core_log import Problem, last_problem, log_of

URL = "http://127.0.0.1:1"
BODY = '{"data":null,"errors":[{"message":"no such thing"}]}'
TASK = f"DefaultUploadTask{{Name: 1-2.generations.table.json, Url: {URL}/storage/1-2.generations.table.json}}"

CASES: dict[str, tuple[list[dict[str, object]], Problem]] = {
    "nothing": ([{"level": "INFO", "msg": "stream: started"}], Problem(0)),
    "run refused": (
        [
            {"msg": "api: HTTP error", "status": 422, "method": "POST", "url": f"{URL}/graphql"},
            {"msg": "runupserter: failed to init run", "error": f"returned error 422: {BODY}"},
        ],
        Problem(422, "no such thing"),
    ),
    "given up while W&B was busy": (
        [
            {"msg": "api: retrying HTTP error", "status": 503, "url": f"{URL}/graphql", "body": "busy"},
            {
                "msg": "runupserter: failed to init run",
                "error": "context deadline exceeded\nwhile retrying: HTTP 503: busy",
            },
        ],
        Problem(503, "HTTP 503: busy"),
    ),
    "no such host": (
        [
            {
                "msg": "api: retrying error",
                "error": f'Post "{URL}/graphql": dial tcp: lookup wandb.invalid: no such host',
            }
        ],
        Problem(0, f'Post "{URL}/graphql": dial tcp: lookup wandb.invalid: no such host'),
    ),
    "a Table refused": (
        [
            {
                "msg": "api: HTTP error",
                "status": 413,
                "method": "PUT",
                "url": f"{URL}/storage/1-2.generations.table.json",
            },
            {
                "msg": f"file transfer: upload: failed to upload: status: 413 Request Entity Too Large: body: {BODY}",
                "task": TASK,
            },
        ],
        Problem(413, "no such thing"),
    ),
    "the history refused": (
        [{"msg": f"filestream: fatal error: filestream: failed to upload: 400 Bad Request url={URL}/x: {BODY}"}],
        Problem(400, "no such thing"),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_status_and_reason(tmp_path: Path, name: str) -> None:
    lines, problem = CASES[name]
    write(tmp_path, lines)
    assert last_problem(log_of(tmp_path)) == problem


def test_only_what_is_about_one_address(tmp_path: Path) -> None:
    write(tmp_path, [*CASES["a Table refused"][0], *CASES["run refused"][0]])
    assert last_problem(log_of(tmp_path), ".generations").status == 413
    assert last_problem(log_of(tmp_path), ".requests") == Problem(0)


def test_no_log_and_a_torn_one_say_nothing(tmp_path: Path) -> None:
    assert last_problem(log_of(tmp_path)) == Problem(0)
    write(tmp_path, [])
    log_of(tmp_path).write_bytes(b'{"msg":"api: HTTP err')
    assert last_problem(log_of(tmp_path)) == Problem(0)


def write(folder: Path, lines: list[dict[str, object]]) -> None:
    log_of(folder).parent.mkdir()
    log_of(folder).write_text("".join(json.dumps(line) + "\n" for line in lines))
