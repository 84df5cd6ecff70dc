"""What a client makes, and imports, only when it is used."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from loaded_modules import modules_after
from sagemaker_plans import AsyncClient, TrainingPlans
from sagemaker_plans._training import training_plans

THREADS = 8


def test_a_client_that_is_not_asked_for_training_plans_does_not_import_them() -> None:
    made = "import sagemaker_plans as smp; client = smp.AsyncClient(region_name='us-east-1')"
    parts = ("_training", "models._training", "models._training_plans", "_edge.rollout", "journal")
    late = {f"sagemaker_plans.{part}" for part in parts}
    before = modules_after(made)
    assert "sagemaker_plans._edge.plans" in before
    assert before & late == set()
    after = modules_after(f"{made}; client.training_plans")
    assert late - after == {"sagemaker_plans._edge.rollout"}


def test_all_threads_get_the_same_training_plans(monkeypatch: pytest.MonkeyPatch) -> None:
    # They know of the purchases that are under way, so two of them could buy twice.
    client = AsyncClient(region_name="us-east-1")
    together = Barrier(THREADS)
    make = training_plans.TrainingPlans

    def slowly(*args: Any, **settings: Any) -> TrainingPlans:
        together.wait(30)
        return make(*args, **settings)

    monkeypatch.setattr(training_plans, "TrainingPlans", slowly)
    with ThreadPoolExecutor(THREADS) as threads:
        got = [threads.submit(lambda: id(client.training_plans)) for _ in range(THREADS)]
    assert len({each.result() for each in got}) == 1


def test_a_client_names_all_that_it_has() -> None:
    client = AsyncClient(region_name="us-east-1")
    assert {"plans", "training_plans", "aclose"} <= {*dir(client)}
    assert client.training_plans is client.training_plans


def test_what_a_client_does_not_have_is_named() -> None:
    client = AsyncClient(region_name="us-east-1")
    words = "'AsyncClient' object has no attribute 'trainig_plans'"
    with pytest.raises(AttributeError, match=words):
        getattr(client, "trainig_plans")  # noqa: B009  # type checkers would refuse the attribute


def test_training_plans_can_be_replaced_by_a_fake() -> None:
    client = AsyncClient(region_name="us-east-1")
    fake = object.__new__(TrainingPlans)
    client.training_plans = fake
    assert client.training_plans is fake
