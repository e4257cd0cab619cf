"""Questions about documents; `tools.documents` reads the files.

A question is asked
    study       a conversation's documents, from here on: what pages, agents and doors talk to
    desk        those documents: added, read in the background, selected, removed
    sheets      pages under the numbers by which they are cited, made harmless for a prompt
    passages    the pages cut (`paragraphs`) and ranked (`index`, over `terms`) for a question
    counting    tokens of a text, counted by the model or guessed; the model's window
    prompt      what is sent, whole or by passages; `parts` for one part after another
    asking      a prompt sent, and sent again by passages where the model finds it too long
    wording     what a model is told of documents
    informed    a model with documents before it, for the agent loop

An answer is shown
    quotations  whether cited words stand on their page, and where
    said        the state of files, page numbers, what was read: in words
    account     the same for those who have no page to look at

Elsewhere
    tool        documents in Tools mode: searched and read by the model itself
    fetched     a document that stands at an address of the web
"""
