"""Questions about documents: one session's documents, from upload to cited answer.

`tools.documents` reads the files. Here
    session_documents   a session's documents: what pages, the agent loop and the terminal talk to
    store               the documents by name: added, read in the background, selected, removed
    retrieval/          pages cut into chunks and ranked for a question; tokens counted
    answering/          a question to a prompt to an answer: whole, by chunks, or map-reduce
    search_tool         documents in Tools mode: searched and read by the model itself
    status_text         texts on the state of files and on the pages that were read
    answer_report       the sources of an answer, for the command line and the Python API
"""
