"""A5, P6: which files a call names, and which it may not."""

import json

import pytest
from tests.support.records import call

from spanwand.config import LineConfig, MediaConfig
from spanwand.content import Content
from spanwand.drops import DropReason, Drops
from spanwand.errors import ConfigError
from spanwand.load import Setting, load
from spanwand.references import Reference, References

ROOTS = ("/data/images", "/data/images/private", "/mnt/a+b")
A = ("/data/images", "a.png")


def named(output: str, most: int = 9, **more: str) -> tuple[list[tuple[str, str]], Drops]:
    found: list[Reference] = []
    drops = Drops()
    References(ROOTS, most, drops, found.append)(call(content=Content(output=output, **more)))
    assert len({each.index for each in found}) == len(found)
    return [(each.root, each.path) for each in found], drops


def part(uri: str) -> str:
    return json.dumps([{"role": "assistant", "parts": [{"type": "uri", "modality": "image", "uri": uri}]}])


@pytest.mark.parametrize(
    ("uri", "place"),
    [
        ("/data/images/a.png", A),
        ("file:///data/images/a.png", A),
        ("file:/data/images/a.png", A),
        ("file://localhost/data/images/a.png", A),
        ("file:///data/images/%61.png", A),
        ("/data/images/%61.png", ("/data/images", "%61.png")),
        ("/data/images/private/b c.png", ("/data/images/private", "b c.png")),
        ("/mnt/a+b/\u00e9/1.webp", ("/mnt/a+b", "\u00e9/1.webp")),
        ("/data/images/../../etc/passwd", ("/data/images", "../../etc/passwd")),
    ],
)
def test_a_path_below_a_root(uri: str, place: tuple[str, str]) -> None:
    """What is a way out is named, too: it is refused and counted where it is read."""
    for said in (part(uri), json.dumps({"output": part(uri)}), part(uri).replace("/", "\\/")):
        if "\\u" not in said:
            assert named(said)[0] == [place]


@pytest.mark.parametrize(
    "uri",
    [
        "http://host/data/images/a.png",
        "https://localhost/data/images/a.png",
        "file://host/data/images/a.png",
        "file:////data/images/a.png",
        "s3://bucket/data/images/a.png",
        "/data/images",
        "/data/imagesque/a.png",
        "/etc/data/images/a.png",
        "data/images/a.png",
        "look at /data/images/a.png",
        "/data/images/" + "a" * 1_100,
    ],
)
def test_what_is_no_path_below_a_root(uri: str) -> None:
    assert named(part(uri)) == ([], Drops())


def test_what_was_made_comes_first_each_once_and_no_more_than_a_row_shows() -> None:
    output = json.dumps([f"/data/images/{name}" for name in "aab"])
    found, drops = named(output, 3, input=json.dumps([f"/data/images/{name}" for name in "bcde"]))
    assert [path for _, path in found] == ["a", "b", "c"]
    assert drops == {DropReason.MEDIA_OVER_LIMIT: 2}


def test_the_same_file_has_the_same_place_for_a_span_and_an_event() -> None:
    found: list[Reference] = []
    for _ in range(2):
        References(ROOTS, 4, Drops(), found.append)(call(content=Content(input=part("/data/images/a"))))
    assert found[0] == found[1]


@pytest.mark.parametrize("root", ["", "/", "images", "./images", "/data/", "/data/../etc", "/data//x"])
def test_a_root_is_a_whole_path(root: str) -> None:
    with pytest.raises(ConfigError, match="allowed_roots"):
        load(LineConfig, {"media.allowed_roots": Setting([root], "the test")})
    assert MediaConfig(allowed_roots=("/data",)).allowed_roots == ("/data",)
