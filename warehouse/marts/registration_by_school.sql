-- Регистрация на «Билет в будущее» по школам.
-- Строка — школа на дату: школы реестра, а также те, что из реестра ушли, но в выгрузке ещё есть.
-- Ключ: school_code; имя: school_name.
--   as_of: На дату. День, за который показаны цифры.
--   position: Порядок. По печатному порядку отчётных единиц, затем по коду школы.
--   school_code: Код школы. По реестру.
--   school_name: Школа. Краткое наименование по реестру.
--   reporting_unit: Код отчётной единицы. Кому школа подчинена.
--   reporting_unit_name: Отчётная единица. Название на эту дату.
--   territory: Код территории. Муниципалитет, где школа расположена.
--   territory_name: Территория. Название на эту дату.
--   in_register: В реестре. «Нет», если реестр этого дня школу уже не называет.
--   export_as_of: Дата выгрузки. За какой день посчитан факт.
--   actual_pupils: Факт. Разных обучающихся, кроме неподтверждённых и архивных; пусто без выгрузки.
--   unverified_pupils: Не подтверждены. Разных обучающихся, которых школа ещё не подтвердила.
--   archived_pupils: В архиве. Разных обучающихся, чьи карточки отправлены в архив.
--   pupils_6_11: Обучающихся 6–11 классов. По реестру.
--   registered_share: Доля зарегистрированных. actual_pupils / pupils_6_11; это не выполнение плана.
--   judged_by: Версия правил. По какой версии правил проверена выгрузка.
--   by_older_rules: По прежним правилам. За дату выгрузки уже судят другие правила: её нужно прочитать заново.
--   completeness: Полнота. Что есть из ожидаемого, от 0 до 1: загруженные строки выгрузки этого дня, её школы против реестра, школы и обучающиеся против прежней выгрузки; 0 — выгрузки нет, отклонена или ждёт решения.
--   known_at: Известно на. Самое позднее прочтение, которое учтено.
--   is_final: Окончательно. Есть реестр и выгрузка именно за этот день, ничто не ждёт решения.
SELECT
    cast(:as_of AS date) AS as_of,
    row_number() OVER (ORDER BY u.position, s.subordination, s.school_code)::integer AS position,
    s.school_code,
    s.short_name AS school_name,
    s.subordination AS reporting_unit,
    u.name AS reporting_unit_name,
    s.territory,
    t.name AS territory_name,
    s.in_register,
    s.export_as_of,
    s.actual_pupils,
    s.unverified_pupils,
    s.archived_pupils,
    s.pupils_6_11,
    s.actual_pupils::numeric / nullif(s.pupils_6_11, 0) AS registered_share,
    a.judged_by,
    a.by_older_rules,
    a.completeness,
    a.known_at,
    a.is_final
FROM core.registration_at(:as_of, :known_at) s
CROSS JOIN ops.state_at(:as_of, :known_at, ARRAY['school_register', 'registration_export']) a
LEFT JOIN ref.unit_at(:as_of) u ON u.reporting_unit = s.subordination
LEFT JOIN ref.unit_at(:as_of) t ON t.reporting_unit = s.territory
