"""The forms that we agreed to receive, a folder each, in the order in which a night reads them."""

from dataclasses import replace

from contracts.form import Form, Rule
from contracts.forms.admission_calendar.form import FORM as ADMISSION_CALENDAR
from contracts.forms.admissions.form import FORM as ADMISSIONS
from contracts.forms.assignments.form import FORM as ASSIGNMENTS
from contracts.forms.event_plan.form import FORM as EVENT_PLAN
from contracts.forms.hours_delivered.form import FORM as HOURS_DELIVERED
from contracts.forms.lesson_journal.form import FORM as LESSON_JOURNAL
from contracts.forms.level_choice.form import FORM as LEVEL_CHOICE
from contracts.forms.levels_summary.form import FORM as LEVELS_SUMMARY
from contracts.forms.parent_meetings.form import FORM as PARENT_MEETINGS
from contracts.forms.partner_agreements.form import FORM as PARTNER_AGREEMENTS
from contracts.forms.practice_events.form import FORM as PRACTICE_EVENTS
from contracts.forms.preparatory_measures.form import FORM as PREPARATORY_MEASURES
from contracts.forms.profile_classes.form import FORM as PROFILE_CLASSES
from contracts.forms.programme_catalogue.form import FORM as PROGRAMME_CATALOGUE
from contracts.forms.readiness_report.form import FORM as READINESS_REPORT
from contracts.forms.readiness_summary.form import FORM as READINESS_SUMMARY
from contracts.forms.registration_export.form import FORM as REGISTRATION_EXPORT
from contracts.forms.registration_plan.form import FORM as REGISTRATION_PLAN
from contracts.forms.registration_summary.form import FORM as REGISTRATION_SUMMARY
from contracts.forms.regulations.form import FORM as REGULATIONS
from contracts.forms.school_register.form import FORM as SCHOOL_REGISTER
from contracts.forms.staff.form import FORM as STAFF
from contracts.forms.supplementary_catalogue.form import FORM as SUPPLEMENTARY_CATALOGUE
from contracts.forms.timetable.form import FORM as TIMETABLE
from contracts.forms.vocational_enrolment.form import FORM as VOCATIONAL_ENROLMENT
from contracts.regions import kept
from contracts.rules import COMMON

FORMS: tuple[Form, ...] = (
    SCHOOL_REGISTER,
    READINESS_REPORT,
    REGISTRATION_PLAN,
    REGISTRATION_EXPORT,
    LEVEL_CHOICE,
    HOURS_DELIVERED,
    PARENT_MEETINGS,
    PARTNER_AGREEMENTS,
    PRACTICE_EVENTS,
    EVENT_PLAN,
    LEVELS_SUMMARY,
    STAFF,
    PROFILE_CLASSES,
    TIMETABLE,
    LESSON_JOURNAL,
    PROGRAMME_CATALOGUE,
    SUPPLEMENTARY_CATALOGUE,
    VOCATIONAL_ENROLMENT,
    ASSIGNMENTS,
    READINESS_SUMMARY,
    REGISTRATION_SUMMARY,
    ADMISSIONS,
    ADMISSION_CALENDAR,
    PREPARATORY_MEASURES,
    REGULATIONS,
)


@kept
def forms_in(region: str | None) -> tuple[Form, ...]:
    """The forms as they are read in a region: in its words, what its units are called and how its headings go."""
    return FORMS if region is None else tuple(replace(form, region=region) for form in FORMS)


def form_named(name: str, region: str | None = None) -> Form:
    """The form of a name, as it is read in a region. Raises KeyError that lists the names."""
    for form in forms_in(region):
        if form.name == name:
            return form
    raise KeyError(f"no form is named {name!r}; there are: {', '.join(form.name for form in FORMS)}")


RULES: dict[str, Rule] = {rule.id: rule for rule in (*COMMON, *(rule for form in FORMS for rule in form.rules))}
