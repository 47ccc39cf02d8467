"""Automations as code: `deployments/automations.yaml` brought to Prefect by name; a second time changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from contracts.regions import regions
from flows.home.settings import Settings
from flows.service.prefect_api import Api
from flows.service.synced import Synced, definitions, of_regions

if TYPE_CHECKING:
    from prefect.events.schemas.automations import AutomationCore

OURS = "profmin: "
ALERT = "profmin-alert"


def sync_automations(api: Api, settings: Settings, deployments: Mapping[str, str]) -> Synced:
    """Create, change and delete automations of ours until they are those of the file; deployments are name → id."""
    from prefect.events.schemas.automations import AutomationCore

    names: dict[str, str | float | None] = {f"$deployment:{name}": entry for name, entry in deployments.items()}
    names |= {"$block:alert": _alert_block(settings), "$nightly_seconds": settings.nightly_hours * 3600}
    names["$silent_seconds"] = settings.silent_seconds
    wanted = {}
    for entry in of_regions(definitions("automations.yaml")["automations"], regions()):
        definition = _with_ids(entry, names)
        definition["actions"] = [action for action in definition["actions"] if action.get("block_document_id", "-")]
        if definition["actions"]:
            wanted[definition["name"]] = AutomationCore.model_validate(definition)
    counts = Synced()
    there: dict[str, tuple[str, AutomationCore]] = {}
    for entry in api.call("POST", "/automations/filter", {"limit": 200}):
        if entry["name"].startswith(OURS):
            if entry["name"] in wanted and entry["name"] not in there:
                there[entry["name"]] = (entry["id"], AutomationCore.model_validate(entry))
            else:
                api.call("DELETE", f"/automations/{entry['id']}")
                counts.deleted += 1
    for name, automation in wanted.items():
        body = automation.model_dump(mode="json", exclude={"owner_resource"})
        if name not in there:
            api.call("POST", "/automations/", body)
            counts.created += 1
        elif _without_ids(there[name][1]) != _without_ids(automation):
            api.call("PUT", f"/automations/{there[name][0]}", body)
            counts.changed += 1
        else:
            counts.unchanged += 1
    return counts


def _without_ids(automation: AutomationCore) -> object:
    """The fields of an automation that the file decides, without the ids that the server gives to its parts."""
    return _ordered(automation.model_dump(mode="json", exclude={"enabled", "tags", "owner_resource"}))


def _ordered(value: Any) -> Any:
    """The value without ids, and with lists of texts sorted: they were sets, whose order means nothing."""
    if isinstance(value, dict):
        return {name: _ordered(inner) for name, inner in value.items() if name != "id"}
    if isinstance(value, list):
        values = [_ordered(inner) for inner in value]
        return sorted(values) if all(isinstance(inner, str) for inner in values) else values
    return value


def _with_ids(value: Any, names: Mapping[str, str | float | None]) -> Any:
    """The value with each `$name` replaced by what `names` has for it."""
    if isinstance(value, dict):
        return {name: _with_ids(inner, names) for name, inner in value.items()}
    if isinstance(value, list):
        return [_with_ids(inner, names) for inner in value]
    return names[value] if isinstance(value, str) and value.startswith("$") else value


def _alert_block(settings: Settings) -> str | None:
    """The id of the block through which the server itself sends a message; None, and no block, without an address.

    Prefect has no block for just any address that Apprise knows; the one for Slack hands on what is not Slack's.
    """
    from prefect.blocks.notifications import SlackWebhook
    from pydantic import SecretStr

    if settings.alert_url is None:
        try:
            SlackWebhook.delete(f"{SlackWebhook.get_block_type_slug()}/{ALERT}")
        except ValueError:
            return None
        return None
    url = settings.alert_url.get_secret_value()
    for plain, apprise in (("https://", "jsons://"), ("http://", "json://")):
        if url.startswith(plain) and "slack" not in url:
            url = apprise + url.removeprefix(plain)
    return str(SlackWebhook(url=SecretStr(url)).save(ALERT, overwrite=True))
