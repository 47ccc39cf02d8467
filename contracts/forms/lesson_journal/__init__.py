"""«Журнал занятий РМГ»: which lessons each class really had, and how many came."""
