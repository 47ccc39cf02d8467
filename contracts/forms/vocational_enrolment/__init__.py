"""«Первая профессия»: how many pupils of each school learn a profession, from application to certificate."""
