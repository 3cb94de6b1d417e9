import pytest

from wiretask_client import errors
from wiretask_client.errors import ClientError, NotFinished, Refused, Unreachable, refusal
from wiretask_protocol.errors import ErrorCode, error_message
from wiretask_protocol.messages import Error, ErrorScope, Retry


def test_everything_that_can_be_raised_is_a_client_error_and_stands_in_the_tree_at_the_top():
    kinds = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, Exception) and kind.__module__ == errors.__name__
    ]
    assert len(kinds) > 10
    for kind in kinds:
        assert issubclass(kind, ClientError)
        assert f"    {kind.__name__}" in errors.__doc__


def test_what_python_has_a_word_for_is_caught_by_it():
    assert issubclass(NotFinished, TimeoutError)
    assert issubclass(Unreachable, ConnectionError)
    assert issubclass(errors.BadCall, ValueError)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (ErrorCode.UNKNOWN_TASK, errors.UnknownTask),
        (ErrorCode.OUTCOME_UNKNOWN, errors.OutcomeUnknown),
        (ErrorCode.STORE_FULL, Refused),
    ],
)
def test_a_refusal_is_named_by_its_code(code, kind):
    error = refusal(error_message(code))
    assert type(error) is kind
    assert error.code is code
    assert str(error).endswith(f"[{ErrorCode(code).name}]")


def test_a_refusal_carries_what_the_error_says():
    message = error_message(
        ErrorCode.STORE_FULL, text="no space", task_id=bytes(16), retry_after=1500, existing_id=b"x" * 16
    )
    error = refusal(message)
    assert (error.text, error.retry, error.retry_after_seconds) == ("no space", Retry.LATER, 1.5)
    assert (error.task_id, error.existing_id, error.of_connection) == (bytes(16), b"x" * 16, False)


def test_the_right_address_is_told():
    assert "(try there:1)" in str(refusal(error_message(ErrorCode.NOT_OWNER, address="there:1")))


def test_an_unknown_code_is_kept_as_a_number():
    error = refusal(Error(9999, ErrorScope.CONNECTION, 77, 0, 0, ""))
    assert (error.code, error.retry, error.of_connection) == (9999, 77, True)
    assert str(error) == "the scheduler refused [error 9999]"
