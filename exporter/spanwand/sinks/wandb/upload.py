"""Watches the upload of one artifact. `Artifact.wait(timeout)` cannot: when it times out it cancels the upload."""

from concurrent.futures import Future
from typing import Any


class Upload:
    """W&B's answer about an artifact that was logged online, when it comes."""

    def __init__(self, client_id: str, handle: Any) -> None:
        """`handle` is wandb's, of the artifact with that client id."""
        self.client_id = client_id
        self._answer: Future[str] = Future()
        self._handle = handle
        self._handle.asyncer.run_soon(self._watch, daemon=True)

    def problem(self, timeout_s: float) -> str:
        """Why the upload failed for good; empty if it is committed. Raises TimeoutError if that is not known yet."""
        return self._answer.result(max(timeout_s, 0.0))

    def has_failed(self) -> bool:
        """Whether nothing more will come of it."""
        return self._answer.done() and bool(self._answer.exception() or self._answer.result())

    async def _watch(self) -> None:
        try:
            result = await self._handle.wait_async(timeout=None)
            self._answer.set_result(result.response.log_artifact_response.error_message)
        except Exception as error:  # noqa: BLE001  # handed on to whoever asks
            self._answer.set_exception(error)
