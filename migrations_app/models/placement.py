"""Proposals: which container on which node, in several ways to choose from."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from migrations_app.models.inventory import Container, Node


class Proposal(models.Model):
    """A wish of staff, answered by alternatives; nothing moves before one of them is made a batch."""

    class Goal(models.TextChoices):
        EVACUATE = "evacuate", "Empty nodes"
        REBALANCE = "rebalance", "Balance the fleet"
        PLACE = "place", "Find a place for one container"
        FILL = "fill", "Free as many nodes as possible"
        HOME = "home", "Bring containers home"

    class State(models.TextChoices):
        OPEN = "open", "To be decided"
        ACCEPTED = "accepted", "Accepted"
        DISCARDED = "discarded", "Discarded"

    goal = models.CharField(max_length=10, choices=Goal.choices)
    nodes = models.ManyToManyField(Node, related_name="+", blank=True)  # to be emptied, or to come home to
    container = models.ForeignKey(Container, on_delete=models.CASCADE, null=True, related_name="+")  # to be placed
    level = models.FloatField(null=True)  # the highest pressure wished for; null: the planner finds one
    # With it no proposal is made after which the containers of any one node would find no room elsewhere.
    survives_a_loss = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")

    def __str__(self) -> str:
        return f"p{self.pk}: {self.get_goal_display().lower()}"


class Alternative(models.Model):
    """One answer to a proposal's wish; found by a queue task, or edited by hand."""

    class Kind(models.TextChoices):
        FEWEST_MOVES = "fewest_moves", "Fewest moves"
        BEST_SPREAD = "best_spread", "Best spread"
        CHEAPEST = "cheapest", "Cheapest"
        BY_HAND = "by_hand", "Edited by hand"

    class State(models.TextChoices):
        WAITING = "waiting", "Being worked out"
        READY = "ready", "Ready"
        FAILED = "failed", "Not to be had"

    proposal = models.ForeignKey(Proposal, on_delete=models.CASCADE, related_name="alternatives")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    next_try_at = models.DateTimeField(null=True)
    tries = models.PositiveIntegerField(default=0)
    made_at = models.DateTimeField(null=True)
    failure = models.CharField(max_length=60, blank=True)  # a failure name: a runbook page
    failure_detail = models.TextField(blank=True)
    # What the planner answered, as in docs/placement.md ("proposal/1"), with row keys as names of nodes and containers.
    body = models.JSONField(default=dict)
    # {node's key: [share before, share after] by resource}: for the graphs beside each other.
    pressures = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["proposal", "kind"], name="alternative_once_per_kind"),
        ]
        indexes = [models.Index(fields=["state", "next_try_at"], name="alternative_due")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of p{self.proposal_id}"
