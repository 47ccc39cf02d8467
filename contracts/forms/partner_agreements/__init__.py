"""«Соглашения с партнёрами»: with whom schools practise; from here it is known which partners there are."""
