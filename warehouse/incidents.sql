-- What BI reads of incidents and messages. Applied whenever this file changes; unlike a mart it is not published, but shows how things stand.
SELECT 1;
