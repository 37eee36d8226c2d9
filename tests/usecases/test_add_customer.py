from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from migrations_app.models import AuditLine, Customer
from migrations_app.usecases.add_customer import CustomerRefused, add_customer
from tests.fakes.clock import START

WHO = {"name": "Bakery", "email": "carla@example.com", "time_zone": "Europe/Berlin", "username": "carla2"}


@pytest.mark.django_db
def test_it_adds_a_customer_who_can_sign_in_once_a_password_is_set() -> None:
    customer = add_customer(**WHO, actor=None, now=START)
    assert customer.user == User.objects.get(username="carla2")
    assert not customer.user.is_staff
    assert not customer.user.has_usable_password()
    assert AuditLine.objects.get().verb == "add_customer"


@pytest.mark.django_db
def test_a_customer_may_do_without_a_sign_in() -> None:
    assert add_customer(**(WHO | {"username": ""}), actor=None, now=START).user is None


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "value"), [("email", "nonsense"), ("name", ""), ("time_zone", "Mars/Base"), ("time_zone", "../../etc")]
)
def test_it_refuses_and_names_the_field(field: str, value: str) -> None:
    with pytest.raises(CustomerRefused) as refused:
        add_customer(**(WHO | {field: value}), actor=None, now=START)
    assert refused.value.field == field
    assert not Customer.objects.exists()


@pytest.mark.django_db
def test_it_refuses_a_name_that_is_taken_and_adds_nothing() -> None:
    User.objects.create_user("carla2")
    with pytest.raises(CustomerRefused):
        add_customer(**WHO, actor=None, now=START)
    assert not Customer.objects.exists()
