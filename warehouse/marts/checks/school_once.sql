-- A school stands once in a mart of schools, or once in each grade, or each of its classes once, or once in each direction.
-- for each mart by school_code; school_code, grade; school_code, grade, letter; school_code, grade, letter, direction
SELECT '{mart}' AS mart, as_of, {key}, count(*) AS times FROM pg_temp.{mart}
GROUP BY as_of, {key} HAVING count(*) > 1
