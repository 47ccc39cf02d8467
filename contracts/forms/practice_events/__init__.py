"""«Мероприятия практического модуля»: what pupils tried, saw and made with enterprises, colleges and universities."""
