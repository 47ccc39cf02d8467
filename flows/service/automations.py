"""Automations as code: `deployments/automations.yaml` brought to Prefect by name; a second time changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flows.home.settings import Settings
from flows.service.prefect_api import Api
from flows.service.synced import Synced, definitions

if TYPE_CHECKING:
    from prefect.events.schemas.automations import AutomationCore

OURS = "profmin: "
ALERT = "profmin-alert"


def sync_automations(api: Api, settings: Settings, deployments: Mapping[str, str]) -> Synced:
    """Create, change and delete automations of ours until they are those of the file; deployments are name → id."""
    from prefect.events.schemas.automations import AutomationCore

    names: dict[str, Any] = {f"$deployment:{name}": each for name, each in deployments.items()}
    names |= {"$block:alert": alert_block(settings), "$nightly_seconds": settings.nightly_hours * 3600}
    wanted = {}
    for each in definitions("automations.yaml")["automations"]:
        known = resolved(each, names)
        known["actions"] = [action for action in known["actions"] if action.get("block_document_id", "-")]
        if known["actions"]:
            wanted[known["name"]] = AutomationCore.model_validate(known)
    found = Synced()
    there: dict[str, tuple[str, AutomationCore]] = {}
    for each in api.call("POST", "/automations/filter", {"limit": 200}):
        if each["name"].startswith(OURS):
            if each["name"] in wanted and each["name"] not in there:
                there[each["name"]] = (each["id"], AutomationCore.model_validate(each))
            else:
                api.call("DELETE", f"/automations/{each['id']}")
                found.deleted += 1
    for name, automation in wanted.items():
        body = automation.model_dump(mode="json", exclude={"owner_resource"})
        if name not in there:
            api.call("POST", "/automations/", body)
            found.created += 1
        elif essence(there[name][1]) != essence(automation):
            api.call("PUT", f"/automations/{there[name][0]}", body)
            found.changed += 1
        else:
            found.unchanged += 1
    return found


def essence(automation: AutomationCore) -> dict[str, Any]:
    """What an automation does, without the ids that the server gives to its parts."""
    told = automation.model_dump(mode="json", exclude={"enabled", "tags", "owner_resource"})
    return {name: ordered(value) for name, value in told.items()}


def ordered(value: Any) -> Any:
    """The same with sets, which have become lists, in one order."""
    if isinstance(value, dict):
        return {name: ordered(each) for name, each in value.items() if name != "id"}
    if isinstance(value, list):
        told = [ordered(each) for each in value]
        return sorted(told) if all(isinstance(each, str) for each in told) else told
    return value


def resolved(value: Any, names: Mapping[str, Any]) -> Any:
    """The same with what stands for an id in its place."""
    if isinstance(value, dict):
        return {name: resolved(each, names) for name, each in value.items()}
    if isinstance(value, list):
        return [resolved(each, names) for each in value]
    return names[value] if isinstance(value, str) and value.startswith("$") else value


def alert_block(settings: Settings) -> str | None:
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
