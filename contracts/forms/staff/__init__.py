"""«Ответственные и педагоги-навигаторы»: who is responsible in each school, who is a navigator, and who is trained."""
