"""Ask Cordon what a user may do, and block and unblock.

    from cordon_sdk import Client

    with Client("https://cordon.example.com", key) as cordon:
        if cordon.can("anna", "manage", "shop-hosting"):
            ...

Whatever goes wrong is a CordonError and never a yes: a server that cannot be reached, an answer that is not one, a time-out.
"""

from . import actions, channels, events, kinds, origins, readers, reasons, roles, semantics, types
from .asynchronous import AsyncClient
from .client import Client
from .decision import Decision, ItemError
from .error import (
    BadAnswer,
    Conflict,
    CordonError,
    Denied,
    FieldError,
    Forbidden,
    Invalid,
    NotFound,
    PreconditionFailed,
    Problem,
    TooStale,
    Unauthorized,
    Unavailable,
    Undecided,
    UnknownAction,
)
from .product import Block, Product, ProductAnswer
from .question import Action, Question, Resource, Subject
from .reason import Reason
from .token import Token, TokenSource
from .user import SupportCode, User, UserAnswer, UserBlock
from .webhook import Event, WebhookError, verify_webhook

__all__ = [
    "Action", "AsyncClient", "BadAnswer", "Block", "Client", "Conflict", "CordonError", "Decision", "Denied", "Event",
    "FieldError", "Forbidden", "Invalid", "ItemError", "NotFound", "PreconditionFailed", "Problem", "Product",
    "ProductAnswer", "Question", "Reason", "Resource", "Subject", "SupportCode", "Token", "TokenSource", "TooStale",
    "Unauthorized", "Unavailable", "Undecided", "UnknownAction", "User", "UserAnswer", "UserBlock", "WebhookError",
    "actions", "channels", "events", "kinds", "origins", "readers", "reasons", "roles", "semantics", "types", "verify_webhook",
]  # fmt: skip
