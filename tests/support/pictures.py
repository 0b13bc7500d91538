"""Images with known pixels, and batches of rows that show them."""

from functools import cache
from hashlib import sha256
from io import BytesIO

from PIL import Image

from spanwand.batch import Batch, RunKey, RunUpdate
from spanwand.config import MediaConfig
from spanwand.media import Media
from spanwand.rows import generation_row
from spanwand.sanitise import sanitiser
from tests.support.records import KEPT, call

IMAGES = 2
"""Of a call, in these batches' layout."""
RUN = RunKey(group="studio@test", job_type="studio", name="studio-1")
WINDOW_NS = 10**10


@cache
def png(number: int) -> bytes:
    """No two numbers give the same picture; noise, so that none is small."""
    file = BytesIO()
    Image.effect_noise((40 + number, 30), 90).save(file, "PNG")
    return file.getvalue()


def digest(number: int) -> str:
    return sha256(png(number)).hexdigest()


@cache
def media(number: int) -> Media:
    return sanitiser(MediaConfig(images="thumbnails", thumbnail_px=64))(png(number))


def batch(number: int) -> Batch:
    """A call that made two images, one that made the first of these again, and one without an image."""
    made = media(2 * number), media(2 * number + 1)
    calls = [call(number, span_id=bytes([at]) * 8, media=made[:shown]) for at, shown in ((1, 2), (2, 1), (3, 0))]
    rows = tuple(generation_row(each, KEPT, (), IMAGES) for each in calls)
    update = RunUpdate(run=RUN, config={}, points={"llm/requests": 3}, rows={"generations": rows})
    start_ns = (1_700_000_000 + 10 * number) * 10**9
    return Batch(seq=number * 100, low=0, start_ns=start_ns, end_ns=start_ns + WINDOW_NS, updates=(update,))
