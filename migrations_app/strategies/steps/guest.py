"""The old address inside the container's own files: shown, and changed where a person said so."""

from __future__ import annotations

from migrations_app.execution import mentions
from migrations_app.execution.outcome import Done, RunOutcome
from migrations_app.execution.step import Step, StepContext
from migrations_app.vz.facts import CtMentions, FactUnreadable
from migrations_app.vz.ops import EditLine


class FindMentions(Step):
    name = "find_mentions"
    title = "Find the old addresses inside the container's files"
    public_phrase = "copying"

    def run(self, ctx: StepContext) -> RunOutcome:
        """One that cannot be looked into (ploop) is no reason not to move it: its owner is told nothing new.

        The copy that arrived is asked: the source runs, and could swap its files under the reader's hands.
        """
        questions = [CtMentions(ctx.order.target_ctid, old) for old, _ in ctx.order.replaced]
        try:
            found = [line for question in questions for line in ctx.ask(ctx.target, question)]
        except FactUnreadable as refusal:
            return Done({"unread": str(refusal)[:300]})
        mentions.keep(ctx.order.migration_id, found, ctx.order.replaced)
        return Done({"found": len(found)})


class ChangeMentions(Step):
    """On the copy, after both were proven the same, before it starts. A line that is not as it was shown is left."""

    name = "change_mentions"
    title = "Change the old addresses in the lines that were chosen"
    public_phrase = "switching"
    may_wait_before = False

    def run(self, ctx: StepContext) -> RunOutcome:
        left = []
        for row in mentions.to_change(ctx.order.migration_id):
            edit = EditLine(
                migration_id=ctx.order.migration_id,
                path=row.path,
                number=row.number,
                old=row.old_text,
                new=row.new_text,
            )
            result = ctx.do(ctx.target, edit)
            said = (result.error or result.output).strip()
            mentions.settle(row, changed=result.exit_code == 0, reason="" if result.exit_code == 0 else said)
            left += [] if result.exit_code == 0 else [f"{row}: {said}"]
        return Done({"left": left[:20]} if left else {})
