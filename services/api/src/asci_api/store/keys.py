"""Every key of the api and the controller besides those of :mod:`asci_shared.redis_contract`.

"restored" means: written back by the leader from its SQLite copy, at most 1 s of changes lost.

==================================  ======  ===============================  =========================================
key                                 type    expiry                           losing it costs
==================================  ======  ===============================  =========================================
``asci:instance:{id}``              string  none; removed 7 days after end   restored
``asci:instance:log:{id}``          string  with its instance                restored; zlib of a JSON list of lines
``asci:instances``                  zset    none; score ``created_at``       restored with the records
``asci:instances:active``           zset    none; those not ended            restored with the records
``asci:instances:of:{username}``    zset    none; owned or shared            restored with the records
``asci:instances:versions``         hash    none; id -> revision and stamp   restored with the records
``asci:changes``                    stream  1 h, about 20,000 entries        followers copy everything again
``asci:audit``                      stream  about 100,000 entries            restored
``asci:audit:once:{hash}``          string  1 min                            an equal refusal is told twice
``asci:token-ended:{sha256}``       string  10 min                           "ended" is told as "idle"
``asci:tokens:of:{username}``       zset    longest life of her tokens       restored with the tokens
``asci:policy``                     string  none                             restored
``asci:registrations``              hash    none; node -> where it is        restored
``asci:overlays``                   hash    none; node -> admins' decisions  restored
``asci:switches``                   hash    none; environment -> the same    restored
``asci:stats:{step}``               stream  1 h, 1 day, 7 days by step       the charts' past
``asci:copies``                     zset    5 min; controller, when it had   one look at the copies
                                            copied all
``asci:starts:{environment}``       list    none; the last 50                restored
``asci:catalogue``                  string  none                             one look of the controller
``asci:nodes``                      string  15 s, three periods              one period
``asci:leader``                     hash    6 s, renewed every 2 s           a new term of office
``asci:leader:number``              string  none                             nothing: the epoch tells terms apart
``asci:idempotency:{hash}``         string  1 day                            a click repeated by its page counts twice
``asci:attempts:pair:{hash}``       string  1 h after the last failure       the count of failures begins again
``asci:attempts:account:{hash}``    string  15 min after the last failure    the same
``asci:attempts:address:{hash}``    string  1 min after the first failure    the same
``asci:attempts:…-wait:{hash}``     string  the block's length               the block ends
``asci:attempts:known:{hash}``      set     30 days after the last sign-in   the soft limit bites there, too
==================================  ======  ===============================  =========================================

What api and controller may do as Redis users stands in ``services/redis/users.acl.in``; every command here is in
Redis 6.2.
"""

from __future__ import annotations

from hashlib import sha256

INSTANCES = "asci:instances"
ACTIVE = "asci:instances:active"
VERSIONS = "asci:instances:versions"
CHANGES = "asci:changes"
AUDIT = "asci:audit"
POLICY = "asci:policy"
REGISTRATIONS = "asci:registrations"
OVERLAYS = "asci:overlays"
SWITCHES = "asci:switches"
COPIES = "asci:copies"
CATALOGUE = "asci:catalogue"
NODES = "asci:nodes"
LEADER = "asci:leader"
LEADER_NUMBER = "asci:leader:number"
TOKENS = "asci:token:*"
STARTS = "asci:starts:*"

SNAPSHOT_SECONDS = 15
IDEMPOTENCY_SECONDS = 86400
AUDIT_LENGTH = 100_000
STARTS_LENGTH = 50
COPIES_SECONDS = 300


def instance(instance_id: str) -> str:
    return f"asci:instance:{instance_id}"


def log(instance_id: str) -> str:
    return f"asci:instance:log:{instance_id}"


def instances_of(username: str) -> str:
    return f"asci:instances:of:{username}"


def tokens_of(username: str) -> str:
    return f"asci:tokens:of:{username}"


def starts(environment: str) -> str:
    return f"asci:starts:{environment}"


def stats(step: int) -> str:
    """Samples every ``step`` seconds."""
    return f"asci:stats:{step}"


def audit_once(who: str, what: str, target: str, outcome: str) -> str:
    return f"asci:audit:once:{_hash(who, what, target, outcome)}"


def token_ended(token_hash: str) -> str:
    """Written by ``token_drop.lua``."""
    return f"asci:token-ended:{token_hash}"


def idempotency(username: str, key: str) -> str:
    return f"asci:idempotency:{_hash(username, key)}"


def attempts(kind: str, *of: str) -> str:
    """``kind`` is ``pair``, ``account``, ``address``, ``known``, ``pair-wait`` or ``account-wait``."""
    return f"asci:attempts:{kind}:{_hash(*of)}"


def _hash(*parts: str) -> str:
    """What people type has any length and any characters; its hash has not."""
    return sha256("\0".join(parts).encode()).hexdigest()[:32]
