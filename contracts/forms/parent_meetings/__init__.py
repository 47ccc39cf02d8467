"""«Родительские собрания»: the meetings that schools have held, the two all-Russian ones and their own."""
