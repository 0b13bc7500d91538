"""Spools each Table of an online run on its way from the wandb package to wandb-core, and watches its upload.

Reaches into privates of `wandb.Run`: only there does an artifact pass as the message that can be sent again as it is.
"""

from collections.abc import Mapping
from typing import Any

from spanwand.sinks.wandb import records
from spanwand.sinks.wandb.spool import Spool
from spanwand.sinks.wandb.upload import Upload


class HandOver:
    """The way of one run's Tables to W&B."""

    def __init__(self, sdk_run: Any, spool: Spool) -> None:
        self._spool = spool
        self._deliver = sdk_run._interface._deliver_artifact
        self._row: Mapping[str, records.Json] = {}
        self._key = ""
        self._is_spooled = False
        self._upload: Upload | None = None
        sdk_run._interface._deliver_artifact = self._take

    def expect(self, key: str, row: Mapping[str, records.Json]) -> None:
        """The next artifact holds the Table that `row` shows at `key`."""
        self._key, self._row, self._is_spooled, self._upload = key, row, False, None

    def upload(self) -> Upload:
        """The upload of the Table that was expected. Raises RuntimeError if none came."""
        if self._upload is None:
            raise RuntimeError("wandb logged a Table without its artifact")
        return self._upload

    @property
    def is_spooled(self) -> bool:
        """Whether the Table that was expected has come this way: W&B may have it from then on."""
        return self._is_spooled

    def again(self, failed: Upload) -> Upload:
        """Hand over what W&B did not take: should it have taken it all the same, it is the same artifact still."""
        request = records.log_artifact_request(self._spool.get(failed.client_id).artifact)
        return Upload(failed.client_id, self._deliver(request))

    def send(self, record: Any) -> None:
        """Hand over an artifact that is no Table and has its own place on the disk. Raises whatever wandb raises."""
        self._deliver(records.log_artifact_request(record))

    def _take(self, request: Any) -> Any:
        artifact = request.artifact
        value = {**self._row[self._key], **records.table_paths(artifact)}
        self._spool.put(artifact, {**self._row, self._key: value, "_step": request.history_step})
        self._is_spooled = True
        handle = self._deliver(request)
        self._upload = Upload(artifact.client_id, handle)
        return handle
