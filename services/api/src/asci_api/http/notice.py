"""The operator's notice."""

from __future__ import annotations

from asci_api.http import answered
from asci_api.http.call import Answer, Call
from asci_api.http.operation import Outcome, operation


@operation(
    "GET",
    "/notice",
    tag="Notice",
    outcomes={200: Outcome("The notice.", answered.NoticeDocument), 204: Outcome("There is none.")},
    open=True,
    tagged=True,
)
def get_notice(call: Call) -> Answer:
    """What the operator wants everybody to read."""
    notice = call.desk.notices.current()
    if notice is None:
        return Answer(status=204)
    return Answer({"id": notice.id, "text": notice.text, "level": notice.level})


OPERATIONS = (get_notice,)
