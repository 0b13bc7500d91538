"""What a verdict on a run means for what is known of it."""

from spanwand.sinks.wandb.complete import Verdict
from spanwand.sinks.wandb.ledger import Ledger
from spanwand.sinks.wandb.refusals import Refusals


def record(verdict: Verdict, ledger: Ledger, refusals: Refusals) -> None:
    """Write down what W&B refused, then that the run is complete, if it is. Raises OSError."""
    if verdict.refused:
        run = ledger.run_of(verdict.run_id)
        for step in verdict.refused:
            refusals.keep_history_row(run, step.key, step.row, step.why)
        ledger.give_up(verdict.run_id, [step.key for step in verdict.refused])
    if verdict.is_verified:
        ledger.verified(verdict.run_id)
