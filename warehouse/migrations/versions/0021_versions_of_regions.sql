-- By which words a form is read is said by its sender's region, so versions of its rules are of a region too: a name of a
-- territory that one region writes down judges nothing of another. What stood is of the region that was in force.
ALTER TABLE ref.contract_version ADD COLUMN region text REFERENCES ref.region;
UPDATE ref.contract_version SET region = (
    SELECT r.region FROM ref.region r ORDER BY r.is_listed DESC, r.position LIMIT 1);
ALTER TABLE ref.contract_version DROP CONSTRAINT contract_version_pkey;
ALTER TABLE ref.contract_version ADD PRIMARY KEY (region, form, version);
COMMENT ON TABLE ref.contract_version IS
    'Версии правил формы в регионе: с какой даты данных каждая судит и что изменилось. Дату судит последняя (position) из начавших.';
